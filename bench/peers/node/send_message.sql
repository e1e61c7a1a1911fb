-- PostGraphile's idiom for a mutation of two statements is a volatile function; that peer alone calls it.
CREATE FUNCTION send_message(chat_id uuid, content text) RETURNS messages LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  sent messages;
BEGIN
  INSERT INTO messages(message_id, chat_id, sender_type, content_type, content, "timestamp")
    VALUES (gen_random_uuid(), send_message.chat_id, 'AGENT', 'TEXT', send_message.content, now() AT TIME ZONE 'utc')
    RETURNING * INTO sent;
  UPDATE chats SET last_message_at = sent."timestamp" WHERE chats.chat_id = send_message.chat_id;
  PERFORM pg_notify('chat:' || send_message.chat_id, json_build_object('message_id', sent.message_id)::text);
  RETURN sent;
END $$
