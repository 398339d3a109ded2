"""One module a page; `PAGES` in `main_window` lists them."""
