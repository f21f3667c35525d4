"""What all tests share: on a build server the same examples every time, elsewhere new ones."""

import os

from hypothesis import settings

settings.register_profile("same", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("same")
