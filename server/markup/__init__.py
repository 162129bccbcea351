"""Pages, feeds and linked data as text: pure functions from values to HTML, XML and JSON.

Every piece of text from outside passes `render.escape` where the markup around it is written; an article's body, which
was sanitised when it was stored, is the one exception. There is no template engine, no style attribute and no script in
the markup, so a strict content security policy holds. Nothing here reads, waits or knows who looks.
"""
