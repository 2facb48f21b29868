"""The pages of the app: plain scripts that Streamlit runs anew at every choice of the reader; nothing to import."""
