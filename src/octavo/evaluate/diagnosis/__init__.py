"""Find problems of a run; each finding has the figures it rests on and a fix."""
