"""Tests of the assets, jobs and checks, run in this process on a real lake and a real socket."""
