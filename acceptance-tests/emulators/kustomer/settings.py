"""Options of the Kustomer emulator."""

from __future__ import annotations

from dataclasses import dataclass

from emulators.options import Options, option


@dataclass
class KustomerOptions(Options):
    """Sizes, and both answers to each question that Kustomer's documentation leaves open."""

    customers: int = option(300, "number of customers", start_only=True)
    conversations: int = option(300, "number of conversations", start_only=True)
    messages: int = option(400, "number of messages", start_only=True)
    notes: int = option(200, "number of notes", start_only=True)
    companies: int = option(100, "number of companies", start_only=True)
    kobjects: int = option(200, "number of kobjects of all klasses", start_only=True)
    conversation_times: int = option(200, "number of conversation times", start_only=True)
    klasses: list[str] = option(["order", "shopify-order", "ticket"], "names of klasses", start_only=True)
    users: int = option(12, "number of active users", start_only=True)
    small: int = option(7, "number of records of each small list", start_only=True)
    audit_logs: int = option(150, "number of audit log entries about tags and users", start_only=True)
    audit_days: float = option(90.0, "days that entries of the audit log live", start_only=True)
    days: int = option(1000, "days over which the records were created and updated", start_only=True)
    ties: list[int] = option([], "cluster sizes of records that share one updatedAt", start_only=True)
    deleted_share: float = option(0.02, "share of records that are deleted at the start", start_only=True)

    rate_style: str = option("clock", "windows: clock (what is documented), fixed or sliding")
    archive_days: float = option(730.0, "age from which records are in the archive only")
    result_window: int = option(10_000, "records that one query yields, whatever its pages; 0 for 100 pages only")
    total_cap: int = option(10_000, "largest meta.total, 0 for no cap")
    unsorted: list[str] = option([], "query contexts whose sort is ignored (* for all)")
    unstable_ties: bool = option(False, "records of one instant come in another order in each answer")
    refuse_attributes: list[str] = option([], "attributes that the search does not know")
    unfilled_attributes: list[str] = option([], "attributes that the search knows, but no record has a value of")
    gone_parents: bool = option(False, "attachments, events, work items and merges of deleted parents are 404")
    klass_prefix: bool = option(False, "attributes of one klass are called kobject_<klass>_..., not kobject_...")
    klass_prefix_in_archive: bool = option(True, "klass_prefix holds for the archive too")
    time_context: str = option("conversation_time", "query context of conversation times, empty: not searchable")
    index_lag_seconds: float = option(0.0, "time after which the search index sees a write")
    late_share: float = option(0.0, "share of the records whose writes the search index, not a list, sees late")
    late_seconds: float = option(0.0, "how late that is")
    ids_only: str = option("honoured", "idsOnly of a search is honoured, ignored or refused")
    filtered_lists: list[str] = option(["customers"], "lists that know filter[updatedAt], filter[createdAt] and sort")
    unknown_filters: str = option("ignored", "filters of other lists are ignored or refused")
    ignored_list_filters: list[str] = option([], "what filtered lists ignore of filters, as createdAt or [lt]")
    lists_show_deleted: bool = option(False, "filtered lists show deleted records, flagged")
    lists_reach_archive: bool = option(True, "filtered lists show what only the archive search finds")
    ignored_audit_filters: list[str] = option([], "filters that the audit log ignores, as objectType; * for all")
    deletes_as_updates: list[str] = option([], "object types whose deletion is logged as an update of deleted")
    merge_log: str = option(
        "delete", "how a merge is logged: as delete of the source, as merge of the source or target"
    )
    edges_listed: bool = option(True, "GET /kedge lists all edges between companies; else only those of one company")
    attachment_links: bool = option(False, "the attachments of a conversation come with meta and links")
    cursor_page: int = option(0, "rows a page of lists and children, whose links are cursors then; 0: by page number")
    list_cap: int = option(10_000, "records that a list yields")
    oversize: str = option("clamp", "what a page size above the maximum gets: clamp or refuse")
    metadata_list: bool = option(False, "metadata/{resource} gives data as a list, not as one object")
    role_status: int = option(403, "status for a missing role: 403, or 401 as the older documentation has it")
    key_pod: str = option("prod1", "pod that the key belongs to")
    pod: str = option("prod1", "pod that this host is")
    limit_headers: str = option("refused", "x-ratelimit-reset comes with a 429 only (refused), always, or none at all")
    search_429: str = option("org", "numbers of a search 429: of the organisation (org), of the search (search), none")
    error_form: str = option("kustomer", "form of errors: kustomer, or jsonapi")
