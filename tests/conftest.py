import hypothesis

pytest_plugins = ["pytester"]

# A busy machine is no failure: no test of ours is judged by its time.
hypothesis.settings.register_profile("patient", hypothesis.settings(deadline=None))
hypothesis.settings.load_profile("patient")
