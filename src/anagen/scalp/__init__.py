"""Where: the head as one curved surface, its grid, views, patches and scores."""
