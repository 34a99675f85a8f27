"""What an endpoint is told once: who it is, its timers and its bounds."""

from dataclasses import dataclass, field

from bridge.sip.timers import SipTimers


@dataclass(frozen=True, slots=True, kw_only=True)
class SipLimits:
    """Bounds of everything that is filled from outside; each refuses or drops, none queues."""

    dialogs: int = 4_096
    "Calls of one gateway are two dialogs each; beyond, INVITE gets 503 with Retry-After."

    transactions: int = 16_384
    "A call leaves about four transactions behind for 32 s; beyond, requests get 503 with Retry-After."

    reserved_transactions: int = 4_096
    "Room beyond that for what is inside a call, so that calls can be hung up and cancelled when strangers flood us."

    bindings: int = 4_096
    "Registered phones; beyond, REGISTER gets 503 with Retry-After."

    contacts_per_user: int = 4
    "Phones of one user; a further one replaces the one that was heard of longest ago."

    forks: int = 8
    "2xx of different branches of one INVITE that are acknowledged and hung up; more are ignored."

    retry_after_s: int = 10
    "What 503 asks for."

    failed_logins: int = 10
    "Wrong passwords from one address in a window; beyond, REGISTER from there gets 403 unread."

    failed_login_window_s: float = 60.0
    "Length of that window."

    failed_login_sources: int = 4_096
    "Addresses whose wrong passwords are counted; beyond, the one seen longest ago is forgotten."


@dataclass(frozen=True, slots=True, kw_only=True)
class SipConfig:
    """One endpoint on one UDP socket."""

    host: str
    "Address that Via and Contact advertise."

    port: int
    "Port that Via and Contact advertise."

    user_agent: str = "Tonewall"
    "User-Agent and Server header."

    realm: str = "tonewall"
    "Protection space of the registrar (RFC 3261 section 22.1)."

    digest_algorithms: tuple[str, ...] = ("MD5",)
    """What phones are challenged with, preferred first (`SHA-256`, `MD5`). MD5 alone by default: RFC 8760 asks phones
    to skip a challenge that they do not know, but baresip 1.0 gives up at the first one and many desk phones do too."""

    timers: SipTimers = field(default_factory=SipTimers)

    limits: SipLimits = field(default_factory=SipLimits)

    min_expires_s: int = 30
    "Shortest registration; below it 423 (RFC 3261 section 10.2.8)."

    max_expires_s: int = 3_600
    "Longest registration, and the one of a phone that asks for none."

    nonce_lifetime_s: float = 300.0
    "How long a digest nonce is good; after it `stale=true`."
