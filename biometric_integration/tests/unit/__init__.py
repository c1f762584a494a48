from hypothesis import settings

# how long an example takes says something about the machine, nothing about the code
settings.register_profile("unit", deadline=None)
settings.load_profile("unit")
