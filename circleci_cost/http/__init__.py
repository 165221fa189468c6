"""What every HTTP conversation here needs: safe addresses, a client, time bounds, Retry-After, causes of failures.

What is sent, and what an answer means, is the job of `circleci` and `notify`.
"""
