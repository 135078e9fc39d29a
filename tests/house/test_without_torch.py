"""`--without-torch` leaves out a test by what it does: it imports torch, or starts a process; everything else runs."""

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]
CONFTEST = Path(__file__).parents[1] / "conftest.py"
FILES = {
    "at_the_top": """
        import torch

        def test_never_seen():
            raise AssertionError
    """,
    "through_another": """
        import through_torch

        def test_never_seen():
            raise AssertionError
    """,
    "inside": """
        import importlib.util, os, subprocess, sys
        import pytest

        @pytest.fixture(scope="module")
        def module():
            return __import__("torch")

        def test_in_the_test():
            try:
                import torch
            except Exception:
                pass

        def test_in_a_fixture(module):
            raise AssertionError

        def test_whether_it_is_there():
            importlib.util.find_spec("torch")

        def test_in_a_process():
            subprocess.run([sys.executable, "-c", "import torch"])

        def test_neither():
            assert os.path

        def test_that_fails():
            import torches
    """,
    "without": """
        import json

        def test_json():
            assert json.loads("1") == 1
    """,
}


@pytest.fixture
def tests(pytester: pytest.Pytester) -> pytest.Pytester:
    """Small tests under this suite's own conftest, and a torch that says whether it was imported."""
    pytester.makeconftest(CONFTEST.read_text(encoding="utf-8"))
    pytester.makepyfile(torch="open('imported', 'w').close()", through_torch="import torch")
    pytester.makepyfile(**{f"test_{name}": text for name, text in FILES.items()})
    pytester.syspathinsert()
    return pytester


def test_what_imports_torch_or_starts_a_process_is_left_out(tests: pytest.Pytester) -> None:
    result = tests.runpytest_subprocess("--without-torch", "-rs", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=2, failed=1, skipped=6)
    result.stdout.fnmatch_lines(["*test_that_fails*", "*No module named 'torches'*"])
    reasons = [line.rpartition(": ")[2] for line in result.outlines if line.startswith("SKIPPED")]
    assert sorted(set(reasons)) == ["imports torch", "starts a process"]
    assert not (tests.path / "imported").exists()


def test_without_the_option_all_run(tests: pytest.Pytester) -> None:
    result = tests.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=5, failed=4)
    assert (tests.path / "imported").exists()


def test_a_run_that_leaves_out_everything_is_no_success(tests: pytest.Pytester) -> None:
    result = tests.runpytest_subprocess("--without-torch", "-p", "no:cacheprovider", "test_at_the_top.py")
    result.assert_outcomes(skipped=1)
    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED
