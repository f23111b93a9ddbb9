"""Pictures of recorded runs and of measurements, in the page's language.

words       words that chapters share, in both languages
text        numbers, dates and runs as text
times       what an epoch takes, compared where the same computed it
style       colours, fonts, figures; imports matplotlib when something is drawn
curves      what the page's script needs to answer for a figure
picture     a figure as the page shows it, with what it is drawn from
plots       plots that chapters share
cells       a diagram of both networks
reader      a digit being read, which the page's script sets in motion
"""
