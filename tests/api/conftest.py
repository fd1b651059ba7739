"""An enterprise signed in, for tests of its pages."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from service.models.tables.accounts.user import User
from service.models.tables.units.organisation import Organisation
from tests.builders.world import make_unit, make_user, sign_in


@pytest.fixture
def unit(app: Any) -> Organisation:
    return make_unit(name="泺源民爆器材（示例）公司")


@pytest.fixture
def officer(unit: Organisation) -> User:
    return make_user("enterprise", unit.id)


@pytest.fixture
def desk(client: FlaskClient, officer: User) -> FlaskClient:
    return sign_in(client, officer)
