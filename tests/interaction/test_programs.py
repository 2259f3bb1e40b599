"""The executor's own program, at work in a real folder, against the real maestro."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from executor.view.port import AgentMessage, CallFinished, CallStarted, Declined, StatusChanged
from protocol.from_maestro import AgentMessageDelta, PlanUpdated, ToolResultSeen, UserMessageSeen
from protocol.wire import PlanStep
