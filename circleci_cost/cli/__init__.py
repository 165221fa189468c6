"""The command line `circleci-cost`: what is typed and what is shown. No logic of cost, no access to CircleCI's API."""
