"""Shape rules: an operation and the shapes that it meets in, its output's shape out."""
