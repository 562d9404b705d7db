"""Tests of the official rules as a second opinion on stored documents."""
