"""The edge: one version's predictions with numpy, onnxruntime and msgspec alone, from a folder, without a service."""
