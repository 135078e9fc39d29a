"""Networks as tables, Mermaid and SVG."""
