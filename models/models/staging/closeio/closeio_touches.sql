with activities as (
    {%- for stream, (channel, lacks) in {
        'call_activities': ('call', ['thread_id']),
        'email_activities': ('email', []),
        'meeting_activities': ('meeting', ['direction', 'sequence_id', 'thread_id']),
        'sms_activities': ('sms', ['thread_id']),
        'whatsapp_message_activities': ('whatsapp', ['status', 'thread_id']),
    }.items() %}
    {% if not loop.first %}union all{% endif %}
    select
        id, '{{ channel }}' as channel, activity_at, user_id, lead_id, contact_id
        {%- for column in ('direction', 'status', 'sequence_id', 'thread_id') %},
        {{ 'cast(null as text) as ' if column in lacks }}{{ column }}
        {%- endfor %}
    from {{ living('closeio', stream) }} as activity
    {%- endfor %}
)

select
    activities.id as touch_id,
    activities.channel,
    -- Meetings have no direction: somebody invited, so they count as going out.
    case when activities.direction in ('inbound', 'incoming') then 'in' else 'out' end as direction,
    activities.activity_at as happened_at,
    activities.user_id,
    {{ unless_deleted('closeio', 'leads', 'activities.lead_id') }} as account_id,
    -- The activities of a contact outlive it.
    {{ unless_deleted('closeio', 'contacts', 'activities.contact_id') }} as person_id,
    {{ unless_deleted('closeio', 'email_sequences', 'activities.sequence_id') }} as campaign_id,
    activities.thread_id as conversation_id,
    false as is_automatic,
    cast(null as text) as sentiment
from activities
where coalesce(activities.status, '') not in (
    'draft', 'scheduled', 'outbox', 'error', 'canceled', 'declined-by-lead', 'declined-by-org'
)
