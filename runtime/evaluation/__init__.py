"""What is measured on test images: accuracy, calibration, several classes an image, several views of an image."""
