"""The page at which people answer what the model refers to them: one row at a time, by keyboard or by thumb.

It holds no data: its script asks for rows with the token that a person gives it, and puts whatever comes into the page
as text. It loads nothing from anywhere.
"""

import base64
import hashlib

from evergreen.record.standing.style import PALETTE

STYLE = (
    PALETTE
    + """
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,
sans-serif;font-variant-numeric:tabular-nums}
main{max-width:46rem;margin:0 auto;padding:1.6rem 1.5rem 11rem}
h1,h2,p,dl,dd,ul,form{margin:0;padding:0}
[hidden]{display:none!important}
.top{display:flex;flex-wrap:wrap;gap:.2rem 1rem;justify-content:space-between;color:var(--soft);font-size:.85rem}
.top b{color:var(--accent);font-weight:650;overflow-wrap:anywhere}
h1{margin:.6rem 0 1.2rem;font-size:1.35rem;font-weight:640;line-height:1.27;letter-spacing:-.012em;
overflow-wrap:anywhere}
h2{font-size:.86rem;font-weight:600;margin:1.6rem 0 .4rem}
.about{color:var(--soft);font-size:.88rem}
.card{border:1px solid var(--line);border-radius:.6rem;background:var(--raised);padding:.4rem 1.1rem .5rem}
dl div{display:grid;grid-template-columns:minmax(7rem,2fr) 3fr;gap:0 1rem;padding:.42rem 0;
border-bottom:1px solid var(--line)}
dl div:last-child{border:0}
dt{color:var(--soft);overflow-wrap:anywhere}dd{overflow-wrap:anywhere;font-weight:520}
.said{border-left:3px solid var(--accent);padding:.1rem 0 .1rem .9rem;margin-top:1.3rem}
.said p{font-weight:560}
.why li{display:grid;grid-template-columns:minmax(6rem,2fr) 3fr 4.2rem;gap:0 .8rem;align-items:center;font-size:.88rem;
padding:.16rem 0;list-style:none}
.why span{overflow-wrap:anywhere}.why em{font-style:normal;text-align:right;white-space:nowrap}
.bar{height:.55rem;background:var(--line);border-radius:.2rem;position:relative}
.bar i{position:absolute;top:0;bottom:0;background:var(--accent);border-radius:.2rem}
.bar i.less{background:var(--amber)}
.note{margin:.8rem 0 1rem;border:1px solid var(--amber);border-radius:.5rem;padding:.6rem .9rem;font-size:.92rem}
.note.bad{border-color:var(--red);background:var(--bad)}
.note button{margin-top:.5rem}
.acts{position:fixed;left:0;right:0;bottom:0;background:var(--paper);border-top:1px solid var(--line);
padding:.7rem max(1rem,calc((100vw - 43rem)/2)) max(.8rem,env(safe-area-inset-bottom))}
.acts .ask{font-weight:600;margin-bottom:.5rem;overflow-wrap:anywhere}
.choices{display:flex;flex-wrap:wrap;gap:.5rem;max-height:40vh;overflow:auto}
.choices button{flex:1 1 8rem;min-width:0;overflow-wrap:anywhere}
.more{display:flex;flex-wrap:wrap;gap:.3rem .5rem;margin-top:.5rem}
button{font:inherit;color:var(--ink);background:var(--raised);border:1px solid var(--soft);border-radius:.45rem;
min-height:3rem;padding:.4rem .9rem;cursor:pointer}
.choices button,.main{background:var(--accent);color:var(--paper);border-color:var(--accent);font-weight:620}
.end{margin-top:1.4rem;max-width:22rem}
.idle{display:none}
.more button{flex:1 1 auto;min-height:2.75rem;font-size:.86rem;padding:.2rem .6rem;border-color:var(--line);
background:none}
button:focus-visible,input:focus-visible{outline:3px solid var(--amber);outline-offset:2px}
button[disabled]{opacity:.45;cursor:default}
kbd{font:600 .78em ui-monospace,monospace;border:1px solid currentColor;border-radius:.25rem;padding:0 .32em;
margin-left:.35em;opacity:.8}
input{font:inherit;width:100%;min-height:3rem;padding:.3rem .7rem;color:var(--ink);background:var(--paper);
border:1px solid var(--soft);border-radius:.45rem}
select{font:inherit;font-size:.86rem;color:inherit;background:none;border:1px solid var(--line);border-radius:.45rem;
min-height:2.75rem;padding:.2rem .4rem;flex:1 1 auto}
label{display:block;margin:.8rem 0 .2rem;font-size:.9rem}
form .main{margin-top:1.2rem;width:100%}
.choices input{flex:3 1 12rem;width:auto;min-width:0}
@media(max-width:40rem){main{padding:1rem 1rem 15rem}.acts{padding-top:.5rem}.acts .ask{margin-bottom:.3rem}
.acts .more button{font-size:.8rem;padding:.2rem .3rem}.why li{grid-template-columns:3fr 2fr 3.9rem}
dl div{grid-template-columns:2fr 3fr}h1{font-size:1.15rem;margin-bottom:.9rem}kbd{display:none}
.card{padding:.2rem .8rem .3rem}}
@media(prefers-reduced-motion:no-preference){.card.fresh{animation:come .16s ease-out}
@keyframes come{from{opacity:0;transform:translateY(.4rem)}}}
"""
)
SCRIPT = """
"use strict";
const $ = (id) => document.getElementById(id);
const ROWS = 5, FEW = 2, AGAIN_MS = 60000;
const state = {by: "", token: "", rows: [], skip: [], waiting: 0, about: null, knows: true, last: null, again: false,
  done: 0, busy: false, filling: null, over: new Set(), why: new Map()};

function make(tag, text, parent, name) {
  const made = document.createElement(tag);
  if (text !== undefined && text !== null) made.textContent = String(text);
  if (name) made.className = name;
  if (parent) parent.append(made);
  return made;
}

function plain(value) {
  if (value === null || value === undefined) return "missing";
  const time = /^(\\d{4}-\\d\\d-\\d\\d)T(\\d\\d:\\d\\d)(:\\d\\d)?(\\.\\d+)?\\+00:00$/.exec(value);
  return time ? time[1] + " " + time[2] + (time[3] && time[3] !== ":00" ? time[3] : "") + " UTC" : value;
}

async function ask(path, body) {
  const head = {"Authorization": "Bearer " + state.token};
  const how = {method: "GET", headers: head, cache: "no-store", credentials: "omit"};
  if (body) {
    how.method = "POST";
    how.body = JSON.stringify(body);
    head["Content-Type"] = "application/json";
  }
  try {
    const answer = await fetch(path, how);
    const told = await answer.json();
    return {...told, status: answer.status};
  } catch {
    return {status: 0, error: {what: "the service does not answer", next: "Nothing was lost: answer again."}};
  }
}

function note(text, kind, act) {
  const box = $("note");
  box.replaceChildren();
  box.hidden = !text;
  box.className = "note " + (kind || "");
  if (text) make("p", text, box);
  if (act) {
    const button = make("button", act.text, box);
    button.type = "button";
    button.addEventListener("click", act.then);
  }
}

function refused(told) {
  const error = told.error || {what: "the service answered " + told.status, next: ""};
  if (told.status === 401 || told.status === 404 && error.code === "SRV008") {
    sessionStorage.removeItem("token");
    state.token = "";
    state.rows = [];
    enter();
  }
  note((error.code ? error.code + ": " : "") + error.what + ". " + (error.next || ""), "bad");
}

function refill() {
  if (!state.filling) state.filling = filled().finally(() => { state.filling = null; });
  return state.filling;
}

async function filled() {
  const before = state.over.size, order = $("order").value;
  const wanted = {by: state.by, order, skip: state.skip.slice(-500), rows: ROWS};
  const told = await ask("review/next", wanted);
  if (told.status !== 200) return refused(told);
  state.about = told.about;
  if (state.over.size === before) state.waiting = told.waiting;
  const there = new Set([...state.over, ...state.skip, ...state.rows.map((row) => row.prediction_id)]);
  if (order === $("order").value) state.rows.push(...told.rows.filter((row) => !there.has(row.prediction_id)));
}

async function show() {
  if (!state.rows.length) await refill();
  if (!state.token) return;
  const row = state.rows[0], about = state.about;
  $("enter").hidden = true;
  $("work").hidden = false;
  if (!about) return;
  $("model").textContent = about.model;
  $("left").textContent = state.waiting.toLocaleString() + " wait" + (state.done ? ", " + state.done + " done" : "");
  $("title").textContent = row ? (about.description || "What is " + about.target + "?") : "Nothing waits for you";
  $("row").hidden = !row;
  $("acts").classList.toggle("idle", !row && !state.last);
  for (const id of ["ask", "choices", "skip", "knows"]) $(id).hidden = !row;
  $("back").disabled = !state.last;
  const others = state.waiting - state.skip.length;
  $("empty").hidden = Boolean(row);
  $("empty").textContent = others > 0 ? "What waits is in other hands." : state.skip.length ?
    "You passed over " + state.skip.length + "." : "Rows come here when the model refers them to people.";
  if (!row) return;
  const list = $("sent");
  list.replaceChildren();
  for (const [name, value] of Object.entries(row.sent)) {
    const line = make("div", null, list);
    make("dt", name, line);
    make("dd", plain(value), line);
  }
  const card = $("card");
  card.classList.remove("fresh");
  void card.offsetWidth;
  card.classList.add("fresh");
  $("when").textContent = "Received " + row.received_at.slice(0, 16).replace("T", " ") + " UTC. " + (
    row.said ? "The model helps, you decide." : row.rule === "human" ? "The model is not asked." :
    "What the model says is not shown, so that your answer is no echo of it.");
  said(row);
  choices();
  window.scrollTo(0, 0);
}

function said(row) {
  const box = $("said");
  box.hidden = !row.said;
  $("why").replaceChildren();
  if (!row.said) return;
  const {label, probability, value} = row.said;
  const sure = probability === undefined ? "" : " (probability" +
    (state.about.task === "binary" ? " of true" : "") + " " + Number(probability).toPrecision(3) + ")";
  $("says").textContent = "The model says: " + (label === undefined ? Number(value).toPrecision(6) : label) + sure;
  explain(row);
}

async function explain(row) {
  const id = row.prediction_id;
  if (!state.why.has(id)) state.why.set(id, await ask("review/explain/" + id));
  if (!state.rows[0] || state.rows[0].prediction_id !== id) return;
  const told = state.why.get(id), list = $("why");
  list.replaceChildren();
  if (told.status !== 200) {
    make("li", "No explanation: " + (told.error ? told.error.what : told.status), list);
    return;
  }
  const most = Math.max(...told.contributions.map((one) => Math.abs(one.contribution)), 1e-12);
  for (const one of told.contributions.slice(0, 6).filter((one) => Math.abs(one.contribution) > most / 1e4)) {
    const line = make("li", null, list);
    const value = typeof one.value === "number" ? Number(one.value.toPrecision(6)) : plain(one.value);
    make("span", one.feature + ": " + value, line);
    const bar = make("div", null, make("span", null, line), "bar");
    const fill = make("i", null, bar, one.contribution < 0 ? "less" : "");
    const half = 50 * Math.abs(one.contribution) / most;
    fill.style.setProperty("width", half + "%");
    fill.style.setProperty("left", (one.contribution < 0 ? 50 - half : 50) + "%");
    make("em", (one.contribution > 0 ? "+" : "") + one.contribution.toPrecision(2), line);
  }
}

function offered() {
  const {task, classes} = state.about, field = state.knows ? "label" : "decision";
  if (task === "binary") {
    const words = state.knows ? ["True", "False"] : ["Positive", "Negative"];
    const values = state.knows ? [true, false] : ["positive", "negative"];
    return [0, 1].map((at) => ({key: "yn"[at], text: words[at], body: {[field]: values[at]}}));
  }
  if (task === "multiclass" && classes.length <= 20)
    return classes.map((name, at) => ({key: at < 9 ? String(at + 1) : "", text: name, body: {[field]: name}}));
  return null;
}

function choices() {
  const box = $("choices"), found = offered(), {target} = state.about;
  box.replaceChildren();
  $("ask").textContent = state.knows ? target + ": what is true?" : target + ": what do you decide?";
  $("knows").firstChild.textContent = state.knows ? "I do not know, I decide" : "I know what is true";
  if (found) {
    for (const one of found) {
      const button = make("button", one.text, box);
      button.type = "button";
      if (one.key) make("kbd", one.key.toUpperCase(), button);
      button.addEventListener("click", () => give(one.body));
    }
    return;
  }
  const input = make("input", null, box);
  input.id = "typed";
  input.autocomplete = "off";
  input.setAttribute("aria-label", $("ask").textContent);
  if (state.knows && state.about.task === "regression") input.inputMode = "decimal";
  const send = () => {
    const text = input.value.trim();
    if (text) give({[state.knows ? "label" : "decision"]: text});
  };
  const button = make("button", "Keep", box);
  button.type = "button";
  make("kbd", "Enter", button);
  button.addEventListener("click", send);
  input.addEventListener("keydown", (event) => { if (event.key === "Enter") { event.preventDefault(); send(); } });
  if (matchMedia("(pointer: fine)").matches) input.focus();
}

async function give(what, anyway, of) {
  const row = of || state.rows[0];
  if (!row || state.busy) return;
  state.busy = true;
  const told = await ask("review/answer",
    {prediction_id: row.prediction_id, by: state.by, anyway: Boolean(anyway) || state.again, ...what});
  state.busy = false;
  if (told.status !== 200 && told.status !== 409) return refused(told);
  if (told.status === 409) {
    note(told.error.what + ". The next row is shown.", "", {text: "Answer it all the same", then: () => {
      note("");
      give(what, true, row);
    }});
  } else {
    state.done += told.taken;
    state.last = {row};
    if (told.taken) state.waiting = Math.max(0, state.waiting - (state.again || anyway ? 0 : 1));
    note("");
  }
  state.again = false;
  state.over.add(row.prediction_id);
  state.rows = state.rows.filter((one) => one.prediction_id !== row.prediction_id);
  await show();
  if (state.rows.length && state.rows.length <= FEW) refill();
}

function pass() {
  const row = state.rows.shift();
  if (!row) return;
  state.skip.push(row.prediction_id);
  state.again = false;
  note("");
  show();
}

function back() {
  if (!state.last) return;
  state.rows.unshift(state.last.row);
  state.last = null;
  state.again = true;
  note("You answered this one. What you say now counts instead.");
  show();
}

function flip() {
  state.knows = !state.knows;
  choices();
}

async function afresh() {
  await state.filling;
  state.skip = [];
  state.rows = [];
  state.again = false;
  note("");
  show();
}

function enter() {
  $("work").hidden = true;
  $("enter").hidden = false;
  $("name").value = localStorage.getItem("name") || "";
  ($("name").value ? $("token") : $("name")).focus();
}

$("form").addEventListener("submit", (event) => {
  event.preventDefault();
  state.by = $("name").value.trim();
  state.token = $("token").value.trim();
  if (!state.by || !state.token) return;
  localStorage.setItem("name", state.by);
  sessionStorage.setItem("token", state.token);
  $("token").value = "";
  note("");
  show();
});
$("skip").addEventListener("click", pass);
$("back").addEventListener("click", back);
$("knows").addEventListener("click", flip);
$("look").addEventListener("click", afresh);
$("order").addEventListener("change", afresh);
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || $("work").hidden) return;
  if (["INPUT", "SELECT"].includes(event.target.tagName)) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  const key = event.key.toLowerCase();
  const act = {s: pass, u: back, d: flip, r: afresh}[key];
  const chosen = state.rows.length && state.about ? (offered() || []).find((one) => one.key === key) : null;
  if (chosen) give(chosen.body);
  else if (act) act();
  else return;
  event.preventDefault();
});
setInterval(() => {
  if (!$("work").hidden && !state.rows.length && !document.hidden && !state.busy) show();
}, AGAIN_MS);
state.by = localStorage.getItem("name") || "";
state.token = sessionStorage.getItem("token") || "";
if (state.by && state.token) show(); else enter();
"""
BODY = """<main>
<div class="top"><b id="model">Review</b><span id="left"></span></div>
<div id="note" class="note" role="status" aria-live="polite" hidden></div>
<section id="enter" hidden>
<h1>Answer what the model refers to people</h1>
<form id="form"><label for="name">Your name, which is kept with each answer</label>
<input id="name" autocomplete="name" maxlength="200" required>
<label for="token">The token of this service for reviewers</label>
<input id="token" type="password" autocomplete="current-password" required>
<button class="main">Begin</button></form>
</section>
<section id="work" hidden>
<h1 id="title"></h1>
<p id="empty" class="about" hidden></p>
<div id="row">
<p id="when" class="about"></p>
<div class="said" id="said" hidden><p id="says"></p><ul class="why" id="why"></ul></div>
<h2>What was sent</h2>
<div class="card" id="card"><dl id="sent"></dl></div>
</div>
<div class="more end">
<button type="button" id="look">Look again<kbd>R</kbd></button>
<select id="order" aria-label="Order"><option value="oldest">Oldest first</option>
<option value="unsure">Least sure first</option></select>
</div>
<div class="acts" id="acts">
<p class="ask" id="ask"></p>
<div class="choices" id="choices"></div>
<div class="more">
<button type="button" id="knows">I do not know, I decide<kbd>D</kbd></button>
<button type="button" id="skip">Pass over<kbd>S</kbd></button>
<button type="button" id="back">Change the last<kbd>U</kbd></button>
</div></div>
</section>
</main>"""
PAGE = (
    '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
    f"<title>Review</title><style>{STYLE}</style></head>\n<body>{BODY}<script>{SCRIPT}</script></body></html>\n"
)


def _named(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src {_named(STYLE)}; script-src {_named(SCRIPT)}; "
    "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}
