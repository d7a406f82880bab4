# SPDX-License-Identifier: Apache-2.0
"""How the documentation is built: ``make docs``. What is generated comes from ``contrib/pages``."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "contrib"))

import libcloud  # noqa: E402  # the path had to be set first

project = "libcloud-storage"
author = "the libcloud-storage contributors"
copyright = "the libcloud-storage contributors"
version = release = libcloud.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "pages.extension"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_static"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
python_display_short_literal_types = True
python_maximum_signature_line_length = 88
toc_object_entries_show_parents = "hide"

# Without dashes: they would replace the hyphens of options.
smartquotes_action = "qe"

html_theme = "furo"
html_title = "libcloud-storage"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
highlight_language = "none"  # of blocks in docstrings: trees and diagrams as well as code
# Both have a contrast of at least 4.5 (WCAG AA). The first comes with the theme.
pygments_style = "a11y-light"
pygments_dark_style = "monokai"
