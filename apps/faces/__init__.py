"""The page Assistant and the results of faces: pictures, greetings, payments, and how often they err."""
