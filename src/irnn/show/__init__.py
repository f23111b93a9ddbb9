"""Pictures of recorded runs and of measurements, in the page's language.

words       words that chapters share, in both languages
text        numbers as text
style       colours, fonts, figures; imports matplotlib when something is drawn
curves      what the page's script needs to answer for a figure
picture     a figure as the page shows it, with what it is drawn from
plots       plots that chapters share
cells       a diagram of both networks
"""
