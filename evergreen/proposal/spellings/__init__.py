"""How the columns of an unseen table are spelled: times, numbers, marks for what is missing, and times in parts."""
