-- Kustomer marks what is deleted, where marked records are loaded; its audit log tells deletions and merges.
{{ deletions_of(
    'kustomer', ['companies', 'conversations', 'customers', 'messages', 'users'], feed=true, flag='deleted'
) }}
