"""Experiments with face encoders: who trains on whose pictures, and how well people are told apart afterwards."""
