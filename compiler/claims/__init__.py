"""What `expect` and `require` reason with: numbers that depend on the input's sizes, and statements about them."""
