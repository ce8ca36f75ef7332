// The default theme, with what it lacks for those who see little contrast or use the keyboard.
import DefaultTheme from 'vitepress/theme';
import './style.css';

export default DefaultTheme;
