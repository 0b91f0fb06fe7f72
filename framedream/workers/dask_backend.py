"""Joblib's way to a Dask cluster."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def dask_backend(client: Any, options: Mapping[str, Any]) -> Any:
    """Joblib's Dask backend, mended in two places.

    Args:
        client: A client of the cluster.
        options: Options of each task for Dask, such as the resources that it needs.
    """
    from joblib._dask import DaskDistributedBackend

    class Backend(DaskDistributedBackend):  # type: ignore[misc, unused-ignore]
        def effective_n_jobs(self, n_jobs: int) -> int:
            # With one, joblib would run the task in this process.
            return max(2, n_jobs)

        def submit(self, func: Any, callback: Any = None) -> Any:
            # Joblib is not told of tasks that Dask gives up, and would wait for them for ever.
            future = super().submit(func, callback)
            future.add_done_callback(lambda done: done.exception() and callback(done.exception()))
            return future

        def retrieve_result_callback(self, out: Any) -> Any:
            if isinstance(out, BaseException):
                raise out
            return super().retrieve_result_callback(out)

    return Backend(client=client, **options)
