"""Tables in the shape of public ones, with made-up rows: their names, marks and spellings, nobody's data."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from evergreen.config.contract.sources import Layout

ADULT = (
    "age", "workclass", "fnlwgt", "education", "education-num", "marital-status", "occupation", "relationship", "race",
    "sex", "capital-gain", "capital-loss", "hours-per-week", "native-country", "income",
)  # fmt: skip
AMES_GRADES = (
    "ExterQual",
    "ExterCond",
    "BsmtQual",
    "BsmtCond",
    "HeatingQC",
    "KitchenQual",
    "FireplaceQu",
    "GarageQual",
)


@dataclass(frozen=True)
class Shape:
    """A file to describe: how it is written, its target, task and time, and what `init` is told of how to read it."""

    write: Callable[[Path], Path]
    target: str
    task: str
    time: str | None = None
    layout: Layout | None = None


def air_quality(folder: Path, n: int = 1_200) -> Path:
    """Hours with a date and a time apart, decimal commas, -200 for what is missing, two empty columns."""
    rng = np.random.default_rng(1)
    at = pd.date_range("2004-03-10 18:00", periods=n, freq="h")
    warm = 15 + 8 * np.sin(np.arange(n) / 200) + rng.normal(0, 2, n)
    co = np.abs(rng.gamma(3, 0.7, n))
    rows = pd.DataFrame(
        {
            "Date": at.strftime("%d/%m/%Y"),
            "Time": at.strftime("%H.%M.%S"),
            "CO(GT)": _comma(np.where(rng.random(n) < 0.15, -200, co.round(1)), 1),
            "PT08.S1(CO)": (900 + 150 * co + rng.normal(0, 60, n)).round().astype(int),
            "C6H6(GT)": _comma(np.where(rng.random(n) < 0.03, -200, (4 * co + rng.gamma(2, 1, n)).round(1)), 1),
            "NO2(GT)": np.where(rng.random(n) < 0.15, -200, (60 + 25 * co + rng.normal(0, 15, n)).round()).astype(int),
            "T": _comma(warm.round(1), 1),
            "RH": _comma(np.clip(80 - 1.5 * warm + rng.normal(0, 8, n), 5, 95).round(1), 1),
            "AH": _comma((0.3 + 0.04 * warm + rng.normal(0, 0.1, n)).clip(0.1).round(4), 4),
        }
    )
    lines = [";".join([*rows.columns, "", ""]), *(";".join([*map(str, row), "", ""]) for row in rows.to_numpy())]
    return _text(folder / "AirQualityUCI.csv", "\n".join([*lines, *[";" * (len(rows.columns) + 1)] * 5]) + "\n")


def seoul_bike(folder: Path, n: int = 1_440) -> Path:
    """Days as dd/mm/yyyy beside a column of hours, units in the names, degrees in cp1252."""
    rng = np.random.default_rng(2)
    at = pd.date_range("2017-12-01", periods=n, freq="h")
    warm = (5 + 10 * np.sin(np.arange(n) / 60) + 4 * np.sin(at.hour / 4) + rng.normal(0, 1, n)).round(1)
    rented = rng.poisson(np.exp(4 + 0.06 * warm + 0.5 * np.sin((at.hour - 6) / 4)))
    open_ = np.where(at.day % 29 == 0, "No", "Yes")
    rows = pd.DataFrame(
        {
            "Date": at.strftime("%d/%m/%Y"),
            "Rented Bike Count": np.where(open_ == "Yes", rented, 0),
            "Hour": at.hour,
            "Temperature(°C)": warm,
            "Humidity(%)": rng.integers(20, 98, n),
            "Wind speed (m/s)": rng.gamma(2, 0.8, n).round(1),
            "Visibility (10m)": rng.integers(200, 2_001, n),
            "Solar Radiation (MJ/m2)": (rng.gamma(1, 0.6, n) * ((at.hour > 6) & (at.hour < 19))).round(2),
            "Rainfall(mm)": np.where(rng.random(n) < 0.06, rng.gamma(1, 2, n).round(1), 0.0),
            "Seasons": np.where(at.month == 12, "Winter", "Spring"),
            "Holiday": np.where(at.day == 25, "Holiday", "No Holiday"),
            "Functioning Day": open_,
        }
    )
    return _text(folder / "SeoulBikeData.csv", rows.to_csv(index=False), encoding="cp1252")


def adult(folder: Path, n: int = 1_500) -> Path:
    """No header, a space before every value, and a question mark for what nobody knows."""
    rng = np.random.default_rng(3)
    schooled = rng.integers(1, 17, n)
    age, hours = rng.integers(17, 91, n), rng.integers(1, 100, n)
    rich = 1 / (1 + np.exp(-(0.35 * schooled + 0.03 * age + 0.03 * hours - 7.5)))
    unknown = rng.random((3, n)) < [[0.06], [0.06], [0.02]]

    def drawn(*words: str) -> np.ndarray:
        return rng.choice(words, n)

    rows = pd.DataFrame(
        {
            "age": age,
            "workclass": np.where(unknown[0], "?", drawn("Private", "Self-emp-not-inc", "State-gov", "Local-gov")),
            "fnlwgt": rng.integers(12_285, 1_484_705, n),
            "education": [f"grade-{k}" for k in schooled],
            "education-num": schooled,
            "marital-status": drawn("Married-civ-spouse", "Never-married", "Divorced", "Widowed"),
            "occupation": np.where(unknown[1], "?", drawn("Sales", "Craft-repair", "Tech-support", "Exec-managerial")),
            "relationship": drawn("Husband", "Wife", "Not-in-family", "Own-child"),
            "race": drawn("White", "Black", "Asian-Pac-Islander", "Other"),
            "sex": drawn("Male", "Female"),
            "capital-gain": np.where(rng.random(n) < 0.08, rng.integers(100, 20_000, n), 0),
            "capital-loss": np.where(rng.random(n) < 0.05, rng.integers(100, 4_000, n), 0),
            "hours-per-week": hours,
            "native-country": np.where(unknown[2], "?", drawn("United-States", "Mexico", "India", "Germany")),
            "income": np.where(rng.random(n) < rich, ">50K", "<=50K"),
        }
    )
    return _text(folder / "adult.data", "\n".join(", ".join(map(str, row)) for row in rows.to_numpy()) + "\n\n")


def bank(folder: Path, n: int = 1_400) -> Path:
    """Semicolons, quoted words, months as words, 999 for a contact that never was, names with full stops."""
    rng = np.random.default_rng(4)
    duration, euribor = rng.integers(5, 1_500, n), rng.choice([1.299, 4.857, 4.962], n)
    yes = 1 / (1 + np.exp(-(duration / 300 - euribor / 2 - 0.5)))
    rows = pd.DataFrame(
        {
            "age": rng.integers(18, 92, n),
            "job": rng.choice(["admin.", "blue-collar", "technician", "unknown"], n, p=[0.4, 0.3, 0.28, 0.02]),
            "marital": rng.choice(["married", "single", "divorced"], n),
            "default": rng.choice(["no", "unknown"], n, p=[0.8, 0.2]),
            "housing": rng.choice(["yes", "no", "unknown"], n, p=[0.52, 0.45, 0.03]),
            "contact": rng.choice(["cellular", "telephone"], n),
            "month": rng.choice(["may", "jul", "aug", "nov"], n),
            "day_of_week": rng.choice(["mon", "tue", "wed", "thu", "fri"], n),
            "duration": duration,
            "campaign": rng.geometric(0.4, n),
            "pdays": np.where(rng.random(n) < 0.04, rng.integers(0, 27, n), 999),
            "poutcome": rng.choice(["nonexistent", "failure", "success"], n, p=[0.86, 0.1, 0.04]),
            "emp.var.rate": rng.choice([1.1, 1.4, -1.8], n),
            "cons.price.idx": rng.choice([93.994, 93.2, 92.893], n),
            "euribor3m": euribor,
            "nr.employed": rng.choice([5191.0, 5228.1, 5099.1], n),
            "y": np.where(rng.random(n) < yes, "yes", "no"),
        }
    )
    return _text(folder / "bank-additional-full.csv", rows.to_csv(index=False, sep=";", quoting=2))


def wine(folder: Path, n: int = 1_000) -> Path:
    """Semicolons, names of two words, and a grade of few whole numbers."""
    rng = np.random.default_rng(5)
    alcohol, acid = rng.uniform(8.4, 14.9, n).round(1), rng.gamma(9, 0.06, n).round(2)
    rows = pd.DataFrame(
        {
            "fixed acidity": rng.normal(8.3, 1.6, n).round(1),
            "volatile acidity": acid,
            "citric acid": rng.uniform(0, 0.8, n).round(2),
            "residual sugar": rng.gamma(4, 0.6, n).round(1),
            "chlorides": rng.gamma(9, 0.01, n).round(3),
            "free sulfur dioxide": rng.integers(1, 70, n),
            "density": rng.normal(0.9967, 0.0019, n).round(5),
            "pH": rng.normal(3.3, 0.15, n).round(2),
            "alcohol": alcohol,
            "quality": np.clip((5.6 + 0.35 * (alcohol - 11) - 2 * (acid - 0.5) + rng.normal(0, 0.6, n)).round(), 4, 7),
        }
    ).astype({"quality": int})
    return _text(folder / "winequality-red.csv", rows.to_csv(index=False, sep=";"))


def telco(folder: Path, n: int = 1_200) -> Path:
    """An id of letters and digits, words for yes and no, and a blank where nothing was charged yet."""
    rng = np.random.default_rng(6)
    tenure = rng.integers(0, 73, n)
    monthly = rng.uniform(18, 119, n).round(2)
    churn = 1 / (1 + np.exp(-(monthly / 40 - tenure / 18 - 1)))
    rows = pd.DataFrame(
        {
            "customerID": [f"{k:04d}-{''.join(rng.choice(list('ABCDEFGHIJ'), 5))}" for k in range(n)],
            "gender": rng.choice(["Female", "Male"], n),
            "SeniorCitizen": rng.integers(0, 2, n),
            "Partner": rng.choice(["Yes", "No"], n),
            "tenure": tenure,
            "PhoneService": rng.choice(["Yes", "No"], n),
            "MultipleLines": rng.choice(["Yes", "No", "No phone service"], n),
            "InternetService": rng.choice(["DSL", "Fiber optic", "No"], n),
            "Contract": rng.choice(["Month-to-month", "One year", "Two year"], n),
            "PaperlessBilling": rng.choice(["Yes", "No"], n),
            "PaymentMethod": rng.choice(["Electronic check", "Mailed check", "Bank transfer (automatic)"], n),
            "MonthlyCharges": monthly,
            "TotalCharges": [" " if k == 0 else f"{k * m:.2f}" for k, m in zip(tenure, monthly, strict=True)],
            "Churn": np.where(rng.random(n) < churn, "Yes", "No"),
        }
    )
    return _text(folder / "WA_Fn-UseC_-Telco-Customer-Churn.csv", rows.to_csv(index=False))


def ames(folder: Path, n: int = 800) -> Path:
    """Eighty columns of a house: an id, NA for what a house has not, codes of classes, names such as 3SsnPorch."""
    rng = np.random.default_rng(7)
    area, quality = rng.normal(1_500, 450, n).clip(400).round().astype(int), rng.integers(1, 11, n)
    grades = {name: rng.choice(["Ex", "Gd", "TA", "Fa", "NA"], n, p=[0.1, 0.3, 0.4, 0.1, 0.1]) for name in AMES_GRADES}
    baths = {
        name: rng.integers(0, 3, n) for name in ("BsmtFullBath", "BsmtHalfBath", "FullBath", "HalfBath", "Fireplaces")
    }
    porches = {
        name: np.where(rng.random(n) < 0.2, rng.integers(20, 400, n), 0)
        for name in (
            "WoodDeckSF",
            "OpenPorchSF",
            "EnclosedPorch",
            "3SsnPorch",
            "ScreenPorch",
            "PoolArea",
            "LowQualFinSF",
        )
    }
    floors = {
        name: rng.integers(0, 2_000, n)
        for name in ("BsmtFinSF1", "BsmtFinSF2", "BsmtUnfSF", "TotalBsmtSF", "1stFlrSF", "2ndFlrSF", "GarageArea")
    }
    words = {
        name: rng.choice(["NA", *(f"{name[:3]}{k}" for k in range(int(rng.integers(2, 6))))], n)
        for name in (
            "LandContour", "LotShape", "LandSlope", "LotConfig", "Neighborhood", "Condition1", "Condition2", "BldgType",
            "HouseStyle", "RoofStyle", "RoofMatl", "Exterior1st", "Exterior2nd", "MasVnrType", "Foundation",
            "BsmtExposure", "BsmtFinType1", "BsmtFinType2", "Heating", "Electrical", "Functional", "GarageType",
            "GarageFinish", "GarageCond", "PavedDrive", "Fence", "MiscFeature", "SaleCondition",
        )
    }  # fmt: skip
    numbers = {name: rng.integers(0, 5, n) for name in ("BedroomAbvGr", "KitchenAbvGr", "TotRmsAbvGrd", "GarageCars")}
    rows = pd.DataFrame(
        {
            "Id": range(1, n + 1),
            "MSSubClass": rng.choice([20, 30, 60, 120], n),
            "MSZoning": rng.choice(["RL", "RM", "FV", "C (all)"], n, p=[0.7, 0.2, 0.08, 0.02]),
            "LotFrontage": np.where(rng.random(n) < 0.17, "NA", rng.integers(21, 150, n).astype(str)),
            "LotArea": rng.integers(1_300, 30_000, n),
            "Street": rng.choice(["Pave", "Grvl"], n, p=[0.97, 0.03]),
            "Alley": rng.choice(["NA", "Grvl", "Pave"], n, p=[0.9, 0.06, 0.04]),
            "Utilities": "AllPub",
            "OverallQual": quality,
            "OverallCond": rng.integers(1, 10, n),
            "YearBuilt": rng.integers(1_872, 2_011, n),
            "YearRemodAdd": rng.integers(1_950, 2_011, n),
            "MasVnrArea": np.where(rng.random(n) < 0.02, "NA", rng.integers(0, 900, n).astype(str)),
            **grades,
            **words,
            **floors,
            "CentralAir": rng.choice(["Y", "N"], n, p=[0.93, 0.07]),
            "GrLivArea": area,
            **baths,
            **numbers,
            "GarageYrBlt": np.where(rng.random(n) < 0.05, "NA", rng.integers(1_900, 2_011, n).astype(str)),
            **porches,
            "PoolQC": rng.choice(["NA", "Gd"], n, p=[0.995, 0.005]),
            "MiscVal": np.where(rng.random(n) < 0.03, 400, 0),
            "MoSold": rng.integers(1, 13, n),
            "YrSold": rng.integers(2_006, 2_011, n),
            "SalePrice": (20_000 * quality + 60 * area + rng.normal(0, 15_000, n)).clip(35_000).round().astype(int),
        }
    )
    assert len(rows.columns) == 80, len(rows.columns)
    return _text(folder / "train.csv", rows.to_csv(index=False))


def kc_house(folder: Path, n: int = 1_000) -> Path:
    """Days in the basic form of ISO 8601, 20141013T000000, ids that repeat, zip codes and places as numbers."""
    rng = np.random.default_rng(8)
    day = pd.Timestamp("2014-05-02") + pd.to_timedelta(rng.integers(0, 390, n), unit="D")
    living, grade = rng.integers(370, 6_000, n), rng.integers(3, 13, n)
    rows = pd.DataFrame(
        {
            "id": rng.integers(1_000_102, 9_900_000_190, n),
            "date": day.strftime("%Y%m%dT000000"),
            "price": (40_000 * grade + 180 * living + rng.normal(0, 60_000, n)).clip(75_000).round(),
            "bedrooms": rng.integers(1, 7, n),
            "bathrooms": rng.choice([1.0, 1.75, 2.25, 2.5, 3.0], n),
            "sqft_living": living,
            "floors": rng.choice([1.0, 1.5, 2.0], n),
            "waterfront": (rng.random(n) < 0.02).astype(int),
            "view": rng.integers(0, 5, n),
            "grade": grade,
            "yr_built": rng.integers(1_900, 2_016, n),
            "zipcode": rng.choice([98_178, 98_125, 98_028, 98_136], n),
            "lat": rng.uniform(47.15, 47.78, n).round(4),
            "long": rng.uniform(-122.5, -121.3, n).round(3),
        }
    )
    return _text(folder / "kc_house_data.csv", rows.to_csv(index=False))


def taxi(folder: Path, n: int = 1_200) -> Path:
    """Trips in Parquet: two wall times, ids of places as integers, a flag, and columns that are null together."""
    rng = np.random.default_rng(9)
    began = pd.Timestamp("2023-01-01") + pd.to_timedelta(np.sort(rng.integers(0, 31 * 86_400, n)), unit="s")
    miles = rng.gamma(2, 1.6, n).round(2)
    unknown = rng.random(n) < 0.03
    rows = pd.DataFrame(
        {
            "VendorID": rng.choice([1, 2], n),
            "tpep_pickup_datetime": began,
            "tpep_dropoff_datetime": began + pd.to_timedelta((240 + 200 * miles).astype(int), unit="s"),
            "passenger_count": np.where(unknown, np.nan, rng.integers(1, 7, n)),
            "trip_distance": miles,
            "RatecodeID": np.where(unknown, np.nan, rng.choice([1, 2, 5], n, p=[0.94, 0.05, 0.01])),
            "store_and_fwd_flag": pd.Series(
                np.where(unknown, None, rng.choice(["N", "Y"], n, p=[0.98, 0.02])), dtype=object
            ),
            "PULocationID": rng.integers(1, 266, n),
            "DOLocationID": rng.integers(1, 266, n),
            "payment_type": rng.choice([1, 2], n, p=[0.8, 0.2]),
            "fare_amount": (3 + 2.5 * miles + rng.gamma(2, 1, n)).round(2),
            "congestion_surcharge": np.where(unknown, np.nan, 2.5),
        }
    ).astype({"tpep_pickup_datetime": "datetime64[us]", "tpep_dropoff_datetime": "datetime64[us]"})
    path = folder / "yellow_tripdata_2023-01.parquet"
    rows.to_parquet(path, index=False)
    return path


SHAPES = {
    "air quality": Shape(air_quality, "C6H6(GT)", "regression", "observed_at"),
    "seoul bike": Shape(seoul_bike, "Rented Bike Count", "regression", "observed_at"),
    "adult": Shape(adult, "income", "binary", None, Layout(format="csv", header=False, names=ADULT)),
    "bank": Shape(bank, "y", "binary"),
    "wine": Shape(wine, "quality", "multiclass"),
    "telco": Shape(telco, "Churn", "binary"),
    "ames": Shape(ames, "SalePrice", "regression"),
    "kc house": Shape(kc_house, "price", "regression", "date"),
    "taxi": Shape(taxi, "fare_amount", "regression", "tpep_pickup_datetime"),
}


def _comma(values: np.ndarray, digits: int) -> list[str]:
    return ["-200" if value == -200 else f"{value:.{digits}f}".replace(".", ",") for value in values]


def _text(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_text(text, encoding=encoding, newline="")
    return path
