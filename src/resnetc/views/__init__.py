"""Networks for the eye: tables, Mermaid and SVG."""
