"""The record of a run's preprocessing: in the metadata of its weights, which a hash covers, and beside them as a file.

The metadata decide. The file is for people and other programs, and for runs of an earlier version, whose weights have
no record; where both exist they must agree.
"""

import os
from dataclasses import fields, replace
from pathlib import Path

from resnetc.runtime.data.preprocessing import Preprocessing, read_preprocessing
from resnetc.runtime.errors import RunError
from resnetc.runtime.run.folder import RunFolder
from resnetc.runtime.run.state_metadata import RunMetadata


def read_record(run: RunFolder, metadata: RunMetadata, weights: Path) -> Preprocessing | None:
    """The record of the run whose `weights` have these metadata; None where an earlier version wrote none.

    RunError for a file that is no such record, or not the one of these weights.
    """
    record = metadata["preprocessing"]
    if not os.path.lexists(run.preprocessing_path):
        return record
    file = read_preprocessing(run.preprocessing_path)
    if record is None:
        if [file.channels, *file.size] != metadata["shape"]:
            raise RunError(f"{run.preprocessing_path}: `channels` and `size` are not those of {weights.name}")
        return file
    # The data may have moved since; everything else decides what the network computes, or what that means.
    same_place = replace(file, data=record.data)
    if differing := [f.name for f in fields(record) if getattr(record, f.name) != getattr(same_place, f.name)]:
        raise RunError(
            f"{run.preprocessing_path}: `{differing[0]}` differs from the record in {weights.name}: remove the file; "
            f"{weights.name} contains the same record"
        )
    return record


def describe_missing_record(run: RunFolder, weights: Path) -> str:
    """The message about a run of an earlier version, which does not say how its inputs were prepared."""
    return (
        f"{run.path}: {weights.name} was written by an earlier resnetc and does not record how images were prepared; "
        f"`resnetc train --resume --out {run.path}` writes {run.preprocessing_path.name}, "
        "if the data of the run still exists"
    )
