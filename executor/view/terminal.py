"""The view on a terminal: live, in colour, with questions.

Owns time, keys and the screen while it is not paused; what stands on the screen is `layout`'s.
"""

import asyncio
import contextlib
import importlib
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from executor.view.asking import Asking
from executor.view.closing import Header
from executor.view.keyboard import Keyboard
from executor.view.keys import Key
from executor.view.draft import Draft
from executor.view.layout import Layout
from executor.view.look import Look
from executor.view.port import Answer, Declined, Question, RunSummary, Shown
from executor.view.screen import Screen
