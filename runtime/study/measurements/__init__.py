"""What is looked at inside of a trained network: gradients, responses, lesions, the loss around its weights."""
