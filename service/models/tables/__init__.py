"""Tables, ORM only. Asking for one makes all known: their relationships and listeners need each other."""

from service.models.tables import (
    attempt as attempt,
)
from service.models.tables import (
    audit as audit,
)
from service.models.tables import (
    case as case,
)
from service.models.tables import (
    case_statements as case_statements,
)
from service.models.tables import (
    certificate as certificate,
)
from service.models.tables import (
    export as export,
)
from service.models.tables import (
    mail as mail,
)
from service.models.tables import (
    notice as notice,
)
from service.models.tables import (
    organisation as organisation,
)
from service.models.tables import (
    person as person,
)
from service.models.tables import (
    person_import as person_import,
)
from service.models.tables import (
    print_batch as print_batch,
)
from service.models.tables import (
    process as process,
)
from service.models.tables import (
    reissue as reissue,
)
from service.models.tables import (
    row_history as row_history,
)
from service.models.tables import (
    setting as setting,
)
from service.models.tables import (
    ticket as ticket,
)
from service.models.tables import (
    training as training,
)
from service.models.tables import (
    training_need_listener as training_need_listener,
)
from service.models.tables import (
    user as user,
)
