"""The style of the pages: Great Expectations brings only the names of classes, and loads its own from elsewhere."""

STYLE = """
:root { color-scheme: light dark; }
body { margin: 0 auto; padding: 1rem 2rem; max-width: 70rem; font: 15px/1.5 system-ui, sans-serif; }
h1, h2, h3, h4, h5, h6 { margin: 1.2rem 0 0.4rem; line-height: 1.25; font-size: 1.1rem; }
table { width: 100%; border-collapse: collapse; margin: 0.4rem 0 1rem; }
th, td { border: 1px solid #8886; padding: 0.35rem 0.6rem; text-align: left; vertical-align: top; }
td { overflow-wrap: anywhere; }
th { background: #8882; }
ul { padding-left: 1.2rem; }
ul.list-group, [class*="nav"] ul { list-style: none; padding-left: 0; }
hr { border: 0; margin: 0; }
.navbar.border-bottom, .card:has(.btn-group), li:has(> hr:only-child) { display: none; }
a { color: inherit; }
code, pre { font: 13px/1.4 ui-monospace, monospace; white-space: pre-wrap; }
.badge { border: 1px solid #8886; border-radius: 0.3rem; padding: 0 0.35rem; margin: 0 0.1rem; }
.alert, .card { border: 1px solid #8886; border-radius: 0.4rem; padding: 0.4rem 0.8rem; margin: 0.5rem 0; }
.text-success { color: #197a3d; } .text-danger { color: #c02626; } .text-warning { color: #a86500; }
i[class*="fa-"]::before { font-style: normal; }
i.fa-check-circle::before, i.fa-check::before { content: "✓ passed"; }
i.fa-times::before { content: "✗ failed"; }
i.fa-exclamation-triangle::before { content: "! could not run"; }
[class*="nav"] a { text-decoration: none; }
.cooltip span.top { display: none; }
"""
