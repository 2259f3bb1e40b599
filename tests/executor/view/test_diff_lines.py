"""What a diff of several files shows."""

import re

from executor.view.diff_lines import diff_lines
from executor.view.look import Look

DIFF = """\
--- a.txt
+++ a.txt
@@ -1 +1 @@
-one
+1
--- /dev/null
+++ new.txt
@@ -0,0 +1 @@
+n
--- b.txt
+++ c/b.txt
@@ -1 +1 @@
-two
+2
--- gone.txt
+++ /dev/null
@@ -1 +0,0 @@
-bye
"""


def test_each_file_is_named_with_what_becomes_of_it() -> None:
    lines = diff_lines(DIFF, Look(colours="none"), 60)

    assert [re.sub(r"\x1b\[[0-9;]*m", "", line).strip() for line in lines] == [
        "a.txt",
        "1 - one",
        "1 + 1",
        "new.txt",
        "1 + n",
        "b.txt (moved to c/b.txt)",
        "1 - two",
        "1 + 2",
        "gone.txt (deleted)",
        "1 - bye",
    ]
