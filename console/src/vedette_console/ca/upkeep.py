"""What the CA does unasked: its list of revocations, Mosquitto's rules, its own programs' identities."""

import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding
from vedette_schemas import ANALYZER, BROKER, CA, Principal, SettingsError, access
from vedette_transport.identity import Identity
from vedette_transport.identity_folder import IdentityFolder
from vedette_transport.renewing import due

from .certificates import Authority, Revoked, is_server, names_of
from .folder import Identities, publish
from .register import Register

log = logging.getLogger(__name__)

_LIST_EACH, _LOOK_EACH = timedelta(days=1), timedelta(minutes=1)


def own(identities: Identities) -> Mapping[Principal, Path]:
    """Return whose identities are kept where."""
    wanted = {
        ANALYZER: identities.analyzer,
        BROKER: identities.broker,
        access.CONSOLE: identities.console,
        access.HEALTH: identities.health,
    }
    return {principal: folder for principal, folder in wanted.items() if folder is not None}


class Upkeep:
    """Keeps a CA's files current. Call `step` often: it does nothing where nothing is due."""

    def __init__(
        self,
        authority: Authority,
        register: Register,
        folder: Path,
        identities: Mapping[Principal, Path],
        names: Sequence[str],
    ) -> None:
        """Keep the files below `folder`, and `identities`; servers among them are found under `names`."""
        self._authority, self._register, self._folder = authority, register, folder
        self._identities, self._names = identities, tuple(names)
        self._listed: list[Revoked] | None = None
        self._operators: list[Principal] | None = None
        self._listed_at = self._looked_at = datetime.min.replace(tzinfo=UTC)
        self._seen = -1
        self.trouble = ""
        """What keeps it from being done, as of the last step."""

    def step(self, now: datetime, *, ours: bool = False) -> bool:
        """Do what is due; tell whether an identity was issued. `ours`: we ourselves wrote the register.

        What can't be done is logged once, kept in `trouble`, and tried again at the next step.
        """
        try:
            issued = self._step(now, ours=ours)
        except SettingsError as error:
            if str(error) != self.trouble:
                log.error("%s", error)  # noqa: TRY400 (it is for people)
            self.trouble = str(error)
            return False
        self.trouble = ""
        return issued

    def _step(self, now: datetime, *, ours: bool) -> bool:
        state = self._register.state()
        if not ours and state == self._seen and now < self._looked_at + _LOOK_EACH:
            return False
        self._list(now)
        self._rule(now)
        issued = [self._keep(*each, now) for each in self._identities.items()]
        self._seen, self._looked_at = state, now
        return any(issued)

    def _list(self, now: datetime) -> None:
        revoked = self._register.revoked(now)
        if revoked == self._listed and now < self._listed_at + _LIST_EACH:
            return
        self._publish("crl.pem", self._authority.revocations(revoked, now))
        self._listed, self._listed_at = revoked, now
        with self._register.writing():
            self._register.forget(now)
        log.info("signed the list of revocations: %d", len(revoked))

    def _rule(self, now: datetime) -> None:
        """Tell Mosquitto who the operators are: it knows a person from a program by name only."""
        operators = self._register.operators(now)
        if operators == self._operators:
            return
        self._publish("mosquitto.acl", access.mosquitto_acl(operators).encode())
        self._operators = operators
        log.info("operators in Mosquitto's rules: %d", len(operators))

    def _publish(self, name: str, content: bytes) -> None:
        try:
            publish(self._folder, name, content)
        except OSError as error:
            raise SettingsError(f"{error.filename}: can't be written: {error.strerror}") from None

    def _keep(self, principal: Principal, path: Path, now: datetime) -> bool:
        if self._serves(principal, path, now):
            return False
        try:
            folder = IdentityFolder(path)
            with folder.changing():
                key = folder.key_for(f"{principal} {now.timestamp()}")
                certificate = self._authority.certify(principal, key.public_key(), now, self._names)
                with self._register.writing():
                    self._register.add_certificate(principal, certificate, now, by=CA)
                folder.take(certificate.public_bytes(Encoding.PEM), self._authority.public())
        except OSError as error:
            raise SettingsError(f"{error.filename or path}: can't be written: {error.strerror}") from None
        log.info(
            "issued a certificate to %s: it ends %s", principal, f"{certificate.not_valid_after_utc:%Y-%m-%d}"
        )
        return True

    def _serves(self, principal: Principal, path: Path, now: datetime) -> bool:
        if not (path / "certificate.pem").exists():
            return False
        try:
            found = Identity(path)
        except SettingsError as error:
            log.warning("%s; it is made anew", error)
            return False
        entry = self._register.certificate(found.certificate.serial_number)
        return (
            found.principal == principal
            and found.ca == self._authority.certificate
            and entry is not None
            and entry.revoked_at is None
            and not due(found.begins_at, found.ends_at, now)
            and (not is_server(principal) or names_of(found.certificate) >= set(self._names))
        )
