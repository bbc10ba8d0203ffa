"""What the page looks like: one accent, quiet lines, and a shape and a word for every state."""

PALETTE = """
:root{color-scheme:light dark;--paper:#fcfcfa;--raised:#f3f5f2;--ink:#161b19;--soft:#5a6560;--line:#e1e5e0;
--accent:#0b6e4f;--band:#0b6e4f24;--amber:#8a5600;--red:#ab2318;--bad:#fdf1ee}
@media(prefers-color-scheme:dark){:root{--paper:#0f1312;--raised:#171d1b;--ink:#e8ecea;--soft:#9aa6a1;--line:#29312e;
--accent:#5ccf9f;--band:#5ccf9f2b;--amber:#e5b255;--red:#ff9184;--bad:#2a1917}}"""
STYLE = (
    PALETTE
    + """
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;
font-variant-numeric:tabular-nums}
main{max-width:74rem;margin:0 auto;padding:2.6rem 2rem 4rem}
p,h1,h2,h3,ul,dl,dd,figure{margin:0;padding:0}ul{list-style:none}
.eyebrow{display:flex;flex-wrap:wrap;gap:.2rem 1rem;color:var(--soft);font-size:.85rem}
.eyebrow b{color:var(--accent);font-weight:650;overflow-wrap:anywhere}
h1{margin:.7rem 0 2rem;max-width:58rem;font-size:clamp(1.3rem,1.1rem + .95vw,1.75rem);font-weight:640;line-height:1.27;
letter-spacing:-.014em;text-wrap:pretty;overflow-wrap:anywhere}
section{margin-top:3rem}
h2{font-size:1.12rem;font-weight:650;letter-spacing:-.005em}
h3{font-size:.86rem;font-weight:600}
.about{color:var(--soft);font-size:.86rem;max-width:46rem;margin-top:.15rem}
.glyph{flex:none;width:1em;height:1em;vertical-align:-.13em;overflow:visible}
.OK{color:var(--accent)}.NOTE{color:var(--amber)}.BAD{color:var(--red)}.UNKNOWN{color:var(--soft)}
.tiles{display:grid;grid-template-columns:repeat(5,1fr);gap:.75rem}
.tile{display:flex;flex-direction:column;border:1px solid var(--line);border-radius:.55rem;padding:.95rem 1rem 1.05rem;
background:var(--raised);min-width:0}
.tile.is-UNKNOWN{background:none;border-style:dashed;border-color:var(--soft)}
.tile.is-BAD{background:var(--bad);border-color:var(--red);box-shadow:inset 0 3px var(--red)}
.tile.is-NOTE{box-shadow:inset 0 3px var(--amber)}
.tile header{display:flex;justify-content:space-between;align-items:center;gap:.5rem}
.tile h2{font-size:.95rem}
.parts b{font-size:.92em;letter-spacing:.04em}
.state{display:inline-flex;align-items:center;gap:.38rem;font-size:.74rem;font-weight:700;letter-spacing:.07em;
white-space:nowrap}
.state .glyph{width:1.25em;height:1.25em}
.headline::first-letter,.next span::first-letter,.incident h3::first-letter,.incident .when::first-letter{
text-transform:uppercase}
.headline{margin:.7rem 0 .8rem;font-size:1.06rem;font-weight:560;line-height:1.3;overflow-wrap:anywhere;
text-wrap:pretty}
.parts{margin-top:auto;font-size:.83rem;color:var(--soft)}
.parts li{display:flex;gap:.5rem;align-items:baseline;padding-top:.28rem}
.parts .glyph{position:relative;top:.12em;width:.9em;height:.9em}
.parts span{overflow-wrap:anywhere;min-width:0}
.next{margin-top:1.4rem;border-top:1px solid var(--line)}
.next li{display:grid;grid-template-columns:9.5rem minmax(0,1fr) minmax(0,1.35fr);gap:.2rem 1.2rem;padding:.5rem 0;
border-bottom:1px solid var(--line);font-size:.9rem}
.next li>*{overflow-wrap:anywhere}.next .where{display:flex;gap:.5rem;align-items:baseline;font-weight:600}
.next .where .glyph{position:relative;top:.12em}
.next .do{color:var(--soft)}
.incident{border-left:3px solid var(--amber);padding:.15rem 0 .15rem 1rem;margin-top:1rem;font-size:.92rem;
overflow-wrap:anywhere}
.incident.page{border-color:var(--red)}.incident.over{border-color:var(--line)}
.incident p{color:var(--soft);font-size:.87rem;max-width:60rem}.incident h3{font-size:.95rem}
.incident .evidence{display:-webkit-box;-webkit-box-orient:vertical;-webkit-line-clamp:3;overflow:hidden}
.two{display:grid;grid-template-columns:minmax(0,1fr) 19rem;gap:1rem 2.6rem;align-items:start}
.halves{display:grid;grid-template-columns:minmax(0,1fr) minmax(0,1fr);gap:2.4rem 2.6rem}
.facts{font-size:.9rem;border-top:1px solid var(--line);margin-top:.9rem}
.facts div{display:flex;justify-content:space-between;gap:1.2rem;padding:.42rem 0;border-bottom:1px solid var(--line)}
.facts dt{color:var(--soft);white-space:nowrap}.facts dd{text-align:right;overflow-wrap:anywhere;min-width:0}
.facts .why{display:block}.facts .why dd{text-align:left}
.names div{justify-content:flex-start}.names dt{width:9.5rem;flex:none}.names dd{text-align:left}
code{font:.87em ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;overflow-wrap:anywhere}
.plot{position:relative;margin:2rem 8.2rem 2.4rem 2.9rem;height:var(--high)}
.plot+h3{margin-top:3.2rem}
.legend{display:none;flex-wrap:wrap;gap:.1rem 1.1rem;margin-top:.7rem;font-size:.83rem;color:var(--soft)}
.legend b{font-weight:650;color:var(--ink)}.legend .is-main b{color:var(--accent)}
.plot>svg{position:absolute;inset:0;width:100%;height:100%;overflow:visible}
.plot span{position:absolute;font-size:.76rem;line-height:1;color:var(--soft);white-space:nowrap}
.plot .y{right:100%;margin-right:.6rem;transform:translateY(-50%)}
.plot .x{top:100%;margin-top:.6rem;transform:translateX(-50%)}
.plot .end{left:100%;margin-left:.7rem;transform:translateY(-50%)}.plot .end b{font-weight:650;color:var(--ink)}
.plot .end.is-main b{color:var(--accent)}
.plot .mark{bottom:100%;margin-bottom:.25rem;transform:translateX(-50%);color:var(--ink)}
.plot *{vector-effect:non-scaling-stroke}
.grid{stroke:var(--line);fill:none}.cut{stroke:var(--soft);stroke-dasharray:1 3;fill:none}
.band{fill:var(--band)}.main{stroke:var(--accent);stroke-width:2;fill:none;stroke-linejoin:round}
.dots{stroke:var(--accent);stroke-width:7;stroke-linecap:round;fill:none}
.guess{stroke:var(--soft);stroke-width:1.6;stroke-dasharray:5 4;fill:none}
.guessed{stroke:var(--soft);stroke-width:4.5;stroke-linecap:round;fill:none}
.limit{stroke:var(--red);stroke-width:1.4;fill:none}
.bars{fill:var(--accent);opacity:.78}.hollow{fill:var(--band);stroke:var(--accent);stroke-width:1}
.lost{fill:var(--amber)}
.hit{fill:transparent}.hit:hover{fill:var(--band)}
table{border-collapse:collapse;width:100%;font-size:.89rem;margin-top:.8rem}
th,td{text-align:left;vertical-align:top;padding:.48rem 1.1rem .48rem 0;border-bottom:1px solid var(--line)}
thead th{color:var(--soft);font-weight:500;font-size:.82rem;white-space:nowrap}
td:last-child,th:last-child{padding-right:0}
.v{min-width:7.2rem;overflow-wrap:anywhere}.n{text-align:right;white-space:nowrap}.k{min-width:8.5rem;overflow-wrap:anywhere;font-weight:560}.k.v,.n.v{min-width:0}
td small{display:block;color:var(--soft);font-size:.86em;overflow-wrap:anywhere}
.wide{overflow-wrap:anywhere}
.meter{display:inline-block;vertical-align:.1em;width:5.2rem;height:.42rem;margin-right:.6rem;background:var(--line);
border-radius:.2rem;position:relative}
.meter i{position:absolute;inset:0 auto 0 0;background:var(--accent);border-radius:.2rem}
.unknown{display:flex;gap:.6rem;border:1px dashed var(--soft);border-radius:.5rem;padding:.7rem .9rem;margin-top:.9rem;
font-size:.88rem;color:var(--soft)}.unknown b{color:var(--ink);font-weight:600}
footer{margin-top:3.2rem;padding-top:.9rem;border-top:1px solid var(--line);color:var(--soft);font-size:.84rem}
@media(max-width:62rem){.tiles{grid-template-columns:repeat(2,1fr)}.two,.halves{grid-template-columns:minmax(0,1fr)}}
@media(max-width:40rem){main{padding:1.3rem 1rem 3rem}h1{margin-bottom:1.4rem}section{margin-top:2.4rem}
.tiles{grid-template-columns:1fr;gap:.55rem}.tile{padding:.75rem .9rem .8rem}
.headline{margin:.3rem 0 .35rem;font-size:1rem}
.next li{grid-template-columns:minmax(0,1fr);padding:.65rem 0}
.plot{margin:1.9rem .6rem 2.2rem 2.5rem}.plot .odd,.plot .end{display:none}.legend{display:flex}
thead{display:none}table,tbody{display:block}tr{padding:.6rem 0;border-bottom:1px solid var(--line)}
tr{display:flex;flex-wrap:wrap;gap:0 1rem}
td{display:flex;justify-content:space-between;gap:1rem;border:0;padding:.12rem 0;text-align:right;flex:1 0 100%}
td::before{content:attr(data-l);color:var(--soft);flex:none;font-weight:400}
td.k{flex:1 1 0;text-align:left;white-space:normal;overflow-wrap:anywhere;min-width:0}
td.v{flex:0 1 auto;min-width:0;text-align:right}
td.k::before,td.v::before,td.wide::before{content:none}td.wide{display:block;text-align:left;color:var(--soft)}
td:empty,td.minor{display:none}.meter{margin:.5rem 0 0 auto}
.names div{display:block}}
@media print{body{font-size:11px}main{max-width:none;padding:0}section{break-inside:avoid}}
"""
)
GLYPHS = """<svg width="0" height="0" style="position:absolute" aria-hidden="true"><defs>
<symbol id="OK" viewBox="0 0 16 16"><circle cx="8" cy="8" r="7" fill="currentColor"/>
<path d="M4.6 8.3l2.3 2.3 4.5-4.9" fill="none" stroke="var(--paper)" stroke-width="1.9"/></symbol>
<symbol id="NOTE" viewBox="0 0 16 16"><path d="M8 1.2L15.4 14.6H.6z" fill="currentColor"/>
<path d="M8 6v4.2M8 11.6v1.6" stroke="var(--paper)" stroke-width="1.7"/></symbol>
<symbol id="BAD" viewBox="0 0 16 16"><path d="M5 .8h6L15.2 5v6L11 15.2H5L.8 11V5z" fill="currentColor"/>
<path d="M5.3 5.3l5.4 5.4m0-5.4l-5.4 5.4" stroke="var(--paper)" stroke-width="1.9"/></symbol>
<symbol id="UNKNOWN" viewBox="0 0 16 16"><circle cx="8" cy="8" r="6.9" fill="none" stroke="currentColor"
stroke-width="1.5" stroke-dasharray="2.6 1.9"/><path d="M5.9 6.3a2.1 2.1 0 1 1 3.1 1.9c-.7.4-1 .8-1 1.5M8 11v1.6"
fill="none" stroke="currentColor" stroke-width="1.5"/></symbol></defs></svg>"""
