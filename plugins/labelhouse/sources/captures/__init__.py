"""Parts of the source `model_predictions`: what was captured of a call, and the predictions in it."""
