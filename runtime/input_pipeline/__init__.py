"""The way of the images to the loop: splits, statistics, size, the order of an epoch, and batches."""
