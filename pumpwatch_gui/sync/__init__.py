"""What the outbox names, delivered to a server: PostgREST, as Supabase has it. Loaded only where a site sends."""
