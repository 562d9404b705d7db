"""The parts of the offline verifier; ``verifier_file`` builds the single file that is handed out.

The parts import nothing but the standard library and each other.
"""
