"""Which streams there are, and where each is defined.

- leads.py, contacts.py, opportunities.py, custom_objects.py: the large ones, by `date_updated`; witness.py finds what
  changed and the index does not show
- activities.py: activities, user_posts, and the streams of one type each, which activity_types.py lists; edits.py finds
  what changed behind the bookmark
- tasks.py: tasks, and the streams of one type each, which task_types.py lists
- events.py: event_log, events, deleted_records
- lists.py: one row for each collection that is read whole
- children.py: organizations, memberships, groups, send_as, sequence_subscriptions, comment_threads
- field_schemas.py: custom_field_schemas
"""

from __future__ import annotations

from source_closeio.account import AccountFacts
from source_closeio.activities import Activities, TypedActivities, UserPosts
from source_closeio.activity_types import ACTIVITY_TYPES
from source_closeio.base import CloseStream
from source_closeio.children import (
    CommentThreads,
    Groups,
    Memberships,
    Organizations,
    SendAs,
    SequenceSubscriptions,
)
from source_closeio.config import Settings
from source_closeio.contacts import Contacts
from source_closeio.custom_objects import CustomObjects
from source_closeio.events import DeletedRecords, EventLog, Events
from source_closeio.field_schemas import CustomFieldSchemas
from source_closeio.leads import Leads
from source_closeio.lists import LISTS, SmallListStream
from source_closeio.opportunities import Opportunities
from source_closeio.task_types import TASK_TYPES
from source_closeio.tasks import Tasks, TypedTasks
from source_kit.client import HttpClient

# The streams with a class of their own; the others are rows of the tables LISTS, ACTIVITY_TYPES and TASK_TYPES. They
# start in this order: the longest first, those with the same rate limit close together.
CLASSES: tuple[type[CloseStream], ...] = (
    Leads,
    Contacts,
    Opportunities,
    CustomObjects,
    Activities,
    CommentThreads,
    UserPosts,
    Tasks,
    EventLog,
    Events,
    DeletedRecords,
    Organizations,
    Memberships,
    Groups,
    SendAs,
    SequenceSubscriptions,
    CustomFieldSchemas,
)


def build(client: HttpClient, settings: Settings) -> list[CloseStream]:
    """One instance of every stream; all share what they learn of the account."""
    account = AccountFacts(client)
    streams: list[CloseStream] = [SmallListStream(client, settings, account, row=row) for row in LISTS]
    streams += [stream(client, settings, account) for stream in CLASSES]
    streams += [TypedActivities(client, settings, account, kind=kind) for kind in ACTIVITY_TYPES]
    streams += [TypedTasks(client, settings, account, task_type=each) for each in TASK_TYPES]
    return streams
