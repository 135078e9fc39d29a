"""What the language is: the grammar and the table of primitive operations. Data, no logic."""
