"""That this file stands here puts the folder on the path, so that every test can import `model_server`."""
