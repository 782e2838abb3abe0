-- Who works with the systems, those who have left included.
{{ union_of('users', ['user_id', 'name', 'email', 'is_active']) }}
