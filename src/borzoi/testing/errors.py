"""What is wrong with a test, or with what it tests. None of these is an error of the network.

AssertionError
├── UnmatchedRequest    no route answers a request
├── ContractViolation   requests or replies do not fit an OpenAPI document
├── LateRequest         a request came after the test had ended
└── UnmetExpectations   the report at the end of a mock
RuntimeError
├── MockOver            a mock is used after its end
└── UndecidedMock       two mocks are active, and nothing says whose the request is
"""

from __future__ import annotations


class UnmatchedRequest(AssertionError):
    """No route answers a request. The client does not try again, and the test fails even if this is swallowed."""


class ContractViolation(AssertionError):
    """Requests or replies do not fit an OpenAPI document: what, where, and who is wrong."""


class LateRequest(AssertionError):
    """A request came from a test that has ended. It was sent nowhere."""


class UnmetExpectations(AssertionError):
    """A mock has ended, and not all is as it was to be."""


class MockOver(RuntimeError):
    """A mock, or a fixture, is used after its test."""


class UndecidedMock(RuntimeError):
    """Two mocks are active, and nothing says to which of them a request belongs."""
