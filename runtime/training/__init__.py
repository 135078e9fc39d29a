"""What the loop puts together before it starts: the loss, the weights of the classes, the step, the logs."""
