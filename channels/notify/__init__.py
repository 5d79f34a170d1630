"""Ways to reach people outside the chats: e-mail and text messages to shoppers, alerts to the operator."""
